"""Streamlit's socket without a browser: what somebody with a script can ask for and gets."""

from __future__ import annotations

import uuid
from types import TracebackType

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websocket import ABNF, WebSocket, create_connection

SECONDS = 180


class Wire:
    """A tab of one's own making, with the cookie and under the name that one chooses."""

    def __init__(self, url: str, cookie: str = "", tab: str = "", origin: str = "") -> None:
        host = url.partition("//")[2]
        self._socket: WebSocket = create_connection(
            f"ws://{host}/_stcore/stream",
            origin=origin or url,
            timeout=SECONDS,
            subprotocols=[each for each in ("streamlit", "token", tab) if each],
            cookie=f"deid_session={cookie}" if cookie else None,
        )
        self.messages: list[ForwardMsg] = []

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    @property
    def tab(self) -> str:
        """The name that the server gave to this tab."""
        return next(each.new_session.initialize.session_id for each in self.messages if each.HasField("new_session"))

    def run(self, page: str = "", **typed: str) -> str:
        """Everything that a page sends, with these labels' fields filled in and the form sent."""
        asked = BackMsg()
        asked.rerun_script.page_name = page
        if typed:
            asked.rerun_script.widget_states.widgets.extend(self._states(typed))
        return self._ask(asked)

    def clear_cache(self) -> None:
        """Give the order that drops what all users share."""
        self._say(BackMsg(clear_cache=True))

    def download(self, button: str) -> str:
        """The address of the file that a button makes when it is pressed."""
        elements = [each.delta.new_element for each in self.messages if each.HasField("delta")]
        found = next(each.download_button for each in elements if button in each.download_button.label)
        asked = BackMsg()
        asked.backend_operation_request.request_id = uuid.uuid4().hex
        asked.backend_operation_request.session_id = self.tab
        asked.backend_operation_request.deferred_file.file_id = found.deferred_file_id
        self._say(asked)
        while True:
            answer = self._hear()
            if answer.HasField("backend_operation_response"):
                assert not answer.backend_operation_response.error_msg
                return str(answer.backend_operation_response.deferred_file.url)

    def _states(self, typed: dict[str, str]) -> list[WidgetState]:
        elements = [each.delta.new_element for each in self.messages if each.HasField("delta")]
        states = [
            WidgetState(id=each.text_input.id, string_value=typed[each.text_input.label])
            for each in elements
            if each.text_input.label in typed
        ]
        assert len(states) == len(typed), "a field is missing"
        button = next(each.button for each in elements if each.button.is_form_submitter)
        return [*states, WidgetState(id=button.id, trigger_value=True)]

    def _ask(self, asked: BackMsg) -> str:
        self._say(asked)
        self.messages = []
        while not (self.messages and self.messages[-1].HasField("script_finished")):
            self.messages.append(self._hear())
            last = self.messages[-1]
            if last.HasField("script_finished") and last.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
                self.messages.pop()  # the script began anew, as after signing in
                self.messages.append(ForwardMsg())
        return "\n".join(str(each) for each in self.messages)

    def _say(self, asked: BackMsg) -> None:
        self._socket.send(asked.SerializeToString(), ABNF.OPCODE_BINARY)

    def _hear(self) -> ForwardMsg:
        told = ForwardMsg()
        told.ParseFromString(self._socket.recv())
        return told
