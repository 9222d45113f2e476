"""The API against its own description: whatever is sent, it answers as described, and without a fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as effort
from schemathesis.specs.openapi.checks import allow_header_conformance, positive_data_acceptance

from deid import serving
from deid.api.app import description, make_app
from deid.pipeline import Engines
from deid.store import NewUser, SessionKind
from tests.fakes import ScriptedOcr
from tests.test_api import ORIGIN, application

TOKEN = "the-token-of-all-examples"
schema = schemathesis.openapi.from_dict(description(make_app()))
schema.app = application()


@pytest.fixture(scope="module")
def _installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One for all examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEID_HOME", str(tmp_path_factory.mktemp("schema") / "home"))
        patch.setenv("DEID_MODEL", "none")
        patch.setenv("DEID_API_PER_MINUTE", "100000")
        patch.setattr(serving, "make_engines", lambda _settings: Engines((ScriptedOcr(),), b"k" * 32))
        serving.forget_engines()
        serving.store().add_user(NewUser("ada", "correct horse battery"))
        with pytest.MonkeyPatch.context() as known:  # requests are made up, token included, before any test runs
            known.setattr("deid.store.sessions.secrets.token_urlsafe", lambda _: TOKEN)
            serving.store().create_session("ada", kind=SessionKind.PROGRAM)
        yield
        serving.background().close()
        serving.store().close()


@schema.auth()
class Bearer:
    """How each request says who sends it; the checks leave it out or change it to see what happens."""

    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> str:
        return TOKEN

    def set(self, case: schemathesis.Case, data: str, context: schemathesis.AuthContext) -> None:
        case.headers["authorization"] = f"Bearer {data}"


@pytest.mark.usefixtures("_installation")
@schema.exclude(path="/logout").parametrize()
@effort(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_the_answer_is_one_that_is_described(case: schemathesis.Case) -> None:
    # That a file is an image is nothing that the description can say; the router names one method of a path only.
    left_out = [positive_data_acceptance, allow_header_conformance]
    case.call_and_validate(base_url=f"{ORIGIN}/api", excluded_checks=left_out)
