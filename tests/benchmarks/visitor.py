"""A visitor without a browser: speaks Streamlit's protocol, sends pictures, reads the answers."""

import http.client
import time
import uuid
from contextlib import ExitStack
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

SECONDS = 120.0  # for one answer; nothing hangs
_BOUNDARY = "a-part-ends-here"


class Visitor:
    """One session of the Classify page.

    Args:
        address: the server's, as http://host:port.
    """

    def __init__(self, address: str):
        self._host = urlsplit(address).netloc
        self._cookie = self._ask_for_cookie()
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(f"ws://{self._host}/_stcore/stream", max_size=None)
        )
        self._session = self._widget = ""
        self._read_page(BackMsg())

    def close(self) -> None:
        """Leave, as one who closes the tab."""
        self._open.close()

    def classify(self, picture: bytes) -> tuple[str, ...]:
        """Send a picture, and return what the page says each network makes of it.

        Returns:
            The leading diagnosis with its probability, and the chart with all of them, a network.
        """
        name = str(uuid.uuid4())
        self._put(name, picture)
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add(id=self._widget)
        state.file_uploader_state_value.uploaded_file_info.add(
            file_id=name, name="picture.jpg", size=len(picture)
        )
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if found := self._read_page(message):
                return found
            time.sleep(0.5)  # the networks are being loaded
        raise AssertionError(f"The page showed no answer within {SECONDS:.0f} s.")

    def _read_page(self, message: BackMsg) -> tuple[str, ...]:
        """Have the page run, and return what it says of the networks' answers."""
        message.rerun_script.SetInParent()
        self._socket.send(message.SerializeToString())
        answers = []
        while True:
            said = ForwardMsg.FromString(self._socket.recv(timeout=SECONDS))
            kind = said.WhichOneof("type")
            if kind == "new_session":
                self._session = said.new_session.initialize.session_id
                answers.clear()
            elif kind == "script_finished":
                if said.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return tuple(answers)
            elif kind == "delta":
                element = said.delta.new_element
                if element.HasField("file_uploader"):
                    self._widget = element.file_uploader.id
                elif element.HasField("plotly_chart"):
                    answers.append(element.plotly_chart.spec)
                elif element.markdown.body.startswith("### "):
                    answers.append(element.markdown.body)

    def _put(self, name: str, data: bytes) -> None:
        head = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '
            'filename="picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        )
        headers = {
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "X-Xsrftoken": self._cookie,
            "Cookie": f"_streamlit_xsrf={self._cookie}",
        }
        path = f"/_stcore/upload_file/{self._session}/{name}"
        body = head.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()
        assert self._ask("PUT", path, body, headers).status == 204

    def _ask_for_cookie(self) -> str:
        answer = self._ask("GET", "/_stcore/health", None, {})
        return SimpleCookie(answer.headers["Set-Cookie"])["_streamlit_xsrf"].value

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self._host, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()
