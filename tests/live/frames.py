"""The frames of a command, written down member by member."""

from typing import Any

from tests.live.client import Frame


def v1(event: str, data: str, **details: Any) -> Frame:
    """A v1 event without its cmd_id and seq."""
    params = {"data": data, "event": event, **({"details": details} if details else {})}
    return {"jsonrpc": "2.0", "method": "Event", "params": params}


def v1_ended(**details: Any) -> Frame:
    """Ended in v1 without its cmd_id and seq."""
    params = {"event": "Ended", **({"details": details} if details else {})}
    return {"jsonrpc": "2.0", "method": "Ended", "params": params}


def v1_error(data: str, **details: Any) -> Frame:
    """Error in v1 without its cmd_id and seq."""
    params = {"event": "Error", "data": data, "details": details}
    return {"jsonrpc": "2.0", "method": "Error", "params": params}


def v2(method: str, event: str, **data: Any) -> Frame:
    """A v2 notification without its cmd_id and seq."""
    params = {"event": event, **({"data": data} if data else {})}
    return {"jsonrpc": "2.0", "method": method, "params": params}


def v2_error(method: str, data: str, **error: Any) -> Frame:
    """Error in v2 without its cmd_id and seq."""
    params = {"event": "Error", "data": data, "error": error}
    return {"jsonrpc": "2.0", "method": method, "params": params}


def of(cmd_id: str, *frames: Frame) -> list[Frame]:
    """All frames of one command, numbered from 1."""
    return [
        {**frame, "params": {"cmd_id": cmd_id, "seq": seq, **frame["params"]}}
        for seq, frame in enumerate(frames, 1)
    ]


def pending(frames: list[Frame]) -> list[str]:
    """What the phone told between TransferStart and the final event: it may, and repeatedly."""
    told = [frame["params"] for frame in frames]
    return [each["data"]["extra"] for each in told if each["event"] == "TransferPending"]
