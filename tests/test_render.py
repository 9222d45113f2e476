"""Frames as pictures."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset

from deid.load import load
from deid.render import distinct_views, render_frame, render_stored, to_png
from deid.values import View
from tests.dicom_factory import dicom, gradient


def _loaded(pixels: np.ndarray, **layout: object) -> Dataset:
    return load(dicom(pixels, **layout))  # type: ignore[arg-type]


def test_monochrome1_is_shown_inverted() -> None:
    pixels = gradient(8, 8)
    plain, inverted = (render_frame(_loaded(pixels, photometric=name), 0) for name in ("MONOCHROME2", "MONOCHROME1"))
    assert np.array_equal(plain, 255 - inverted)


def test_signed_pixels_span_all_levels() -> None:
    pixels = np.linspace(-2000, 3000, 64).reshape(8, 8).astype(np.int16)
    picture = render_frame(_loaded(pixels), 0, View.FULL)
    assert (picture.min(), picture.max()) == (0, 255)
    assert (np.diff(picture.ravel().astype(int)) >= 0).all()


def test_text_that_the_window_hides_is_in_the_other_view() -> None:
    pixels = np.full((40, 40), 3000, np.uint16)
    pixels[10:20, 10:30] = 3900
    pixels[30:, :] = 0
    dataset = _loaded(pixels, bits_stored=12, WindowCenter="500", WindowWidth="1000")
    views = distinct_views(dataset, pixels)
    assert list(views) == [View.WINDOW, View.FULL, View.LOCAL]
    assert views[View.WINDOW][15, 15] == views[View.WINDOW][5, 5]
    assert views[View.FULL][15, 15] != views[View.FULL][5, 5]


def test_a_window_too_wide_to_read_in_is_left_for_the_full_range() -> None:
    pixels = gradient(40, 40, "u2", 100)
    dataset = _loaded(pixels, bits_stored=12, WindowCenter="2047", WindowWidth="4095")
    assert list(distinct_views(dataset, pixels)) == [View.FULL, View.LOCAL]


def test_one_hot_pixel_does_not_hide_text() -> None:
    pixels = gradient(60, 60, "u2", 500)
    pixels[0, 0] = 65535
    dataset = _loaded(pixels, WindowCenter="32767", WindowWidth="65535")
    views = distinct_views(dataset, pixels)
    assert View.MIDDLE in views
    assert views[View.MIDDLE].std() > 50 > views[View.WINDOW].std()


@pytest.mark.parametrize("shape", [(40, 40), (40, 40, 3)], ids=["grey", "colour"])
def test_views_that_show_the_same_are_one_beside_that_on_an_even_ground(shape: tuple[int, ...]) -> None:
    pixels = np.resize(gradient(40, 40), shape)
    assert list(distinct_views(_loaded(pixels), pixels)) == [View.WINDOW, View.LOCAL]


def test_faint_letters_on_bright_anatomy_are_strong_on_an_even_ground() -> None:
    pixels = np.tile(np.linspace(20, 220, 400).astype(np.uint8), (400, 1))
    pixels[200:204, 100:300] += 12
    views = distinct_views(_loaded(pixels), pixels)
    assert (
        np.ptp(views[View.LOCAL][190:214, 200].astype(int)) > 100 > np.ptp(views[View.WINDOW][190:214, 200].astype(int))
    )


@pytest.mark.parametrize("window", [("", ""), ("100", "0")])
def test_a_window_that_is_none_falls_back_to_what_the_pixels_hold(window: tuple[str, str]) -> None:
    pixels = gradient(20, 20, "u2", 4000)
    dataset = _loaded(pixels, bits_stored=12)
    dataset.WindowCenter, dataset.WindowWidth = window
    assert render_stored(dataset, pixels, View.WINDOW).max() == 255


def test_ybr_is_shown_in_its_colours() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[...] = (76, 85, 255)
    picture = render_frame(_loaded(pixels, photometric="YBR_FULL"), 0)
    assert picture.shape == (4, 4, 3)
    assert picture[0, 0, 0] > 240
    assert picture[0, 0, 1] < 20


def test_a_float_image_with_odd_values_is_shown() -> None:
    dataset = Dataset()
    stored = np.array([[0.0, np.nan], [np.inf, 2.0]], np.float32)
    assert render_stored(dataset, stored, View.FULL).dtype == np.uint8


def test_local_contrast_of_colour_is_grey() -> None:
    pixels = np.dstack([gradient(32, 32)] * 3)
    picture = render_frame(_loaded(pixels, photometric="RGB"), 0, View.LOCAL)
    assert picture.shape == (32, 32)


def test_a_picture_becomes_a_png_without_loss() -> None:
    picture = gradient(16, 24)
    assert np.array_equal(np.asarray(Image.open(BytesIO(to_png(picture)))), picture)
