"""Parameters that a TraX client sets at an initialisation, as `attrax serve` takes them."""

from __future__ import annotations

import pytest
import trax_harness as harness
from trax_harness import Rectangle, Server, TraxException, save, texture

ATTRAX = harness.ROOT / "out" / "bin" / "attrax"
COMMAND = f"{ATTRAX} serve --threads 1 --config {harness.ROOT / 'tests' / 'data' / 'quick.toml'}"

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")


@pytest.fixture
def image(tmp_path):
    return save(tmp_path / "frame.png", texture())


def initialize(server: Server, image, properties: dict[str, str]) -> None:
    server.client.initialize({"color": image}, [(Rectangle.create(20, 16, 24, 18), {})], properties)


def answers(flags: str, image, *initializations: dict[str, str]) -> list[str]:
    """Box and confidence in the frame after each initialisation."""
    found = []
    with Server(f"{COMMAND} {flags}").connect() as server:
        for properties in initializations:
            initialize(server, image, properties)
            region, properties = server.frame(image)[0]
            found.append(f"{region} {properties['confidence']}")
        server.farewell()
        assert server.end()[0] == 0
    return found


def test_a_property_does_what_the_flag_does(image):
    (plain,) = answers("", image, {})
    (by_flag,) = answers("--seed 7", image, {})
    (by_setting,) = answers("--set seed=7", image, {})
    (by_property,) = answers("", image, {"seed": "7"})
    assert by_flag == by_setting == by_property != plain


def test_a_property_lasts_until_the_next_initialization(image):
    # The second initialisation draws from the second stream, whatever the first one did.
    _, usual = answers("", image, {}, {})
    _, after = answers("", image, {"seed": "7"}, {})
    _, changed = answers("", image, {}, {"attention.lambda": "0", "candidates": "32"})
    assert usual == after != changed


@pytest.mark.parametrize(
    ("key", "value"),
    [("lambada", "5"), ("attention.lambada", "5"), ("candidates", "0"), ("candidates", "many"), ("scale", "0.5")],
)
def test_what_is_no_parameter_ends_the_session_by_name(image, key, value):
    with Server(COMMAND).connect() as server:
        with pytest.raises(TraxException, match=f"property: parameter {key} = {value}"):
            initialize(server, image, {key: value})
        assert server.end()[0] == 1


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("update_samples.positives", "20000", "the samples would take .* GiB of memory"),
        ("translation", "2", "at most failure.translation, which is 1.5"),
        ("attention.lambda", "3 # x", "a number from 0 to 1000 is needed"),
        ("lambda", "3", "unknown parameter; did you mean attention.lambda?"),
    ],
)
def test_the_reason_has_what_to_write(image, key, value, sentence):
    with Server(COMMAND).connect() as server:
        with pytest.raises(TraxException, match=f"property: parameter {key} = {value}: .*{sentence}"):
            initialize(server, image, {key: value})
        assert server.end()[0] == 1


def test_a_client_learns_that_there_is_no_memory(image):
    # How much a process takes before its first frame depends on the machine: more than `low`, less
    # than `high`.
    low, high, reasons = 300, 1500, []
    while high - low > 1 and not any("out of memory: " in reason for reason in reasons):
        megabytes = (low + high) // 2
        with Server(f"prlimit --as={megabytes * 1024 * 1000} {ATTRAX} serve --threads 1") as server:
            try:
                server.connect()
                initialize(server, image, {})
                high = megabytes
                continue
            except TraxException as error:
                reasons.append(str(error))
                low = megabytes
            errors = server.end()[2]
            assert "frame #0" not in errors and "unwrap" not in errors
    assert reasons and "bytes cannot be allocated" in reasons[-1], reasons
