"""libtrax's Python client says everything it can to a tracker of ours."""

from __future__ import annotations

import libtrax_session
import pytest
import trax_harness as harness


@pytest.mark.parametrize("use_socket", [False, True])
@pytest.mark.parametrize("multi", [False, True])
def test_libtrax_client_with_our_server(multi, use_socket):
    command = harness.example("static_tracker") + (" --multi-object" if multi else "")
    with harness.Server(command, use_socket=use_socket).connect() as server:
        assert server.client.tracker_name == "static"
        assert server.client.region_formats == ["rectangle", "polygon", "mask"]
        assert server.client.image_formats == ["path", "url", "memory", "buffer"]
        assert server.client.get("multiobject") == multi
        libtrax_session.talk(server.client, multi)
        assert server.process.wait() == 0
        assert server.process.stderr.read() == b""
