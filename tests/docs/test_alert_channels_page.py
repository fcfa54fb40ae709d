"""The page about alert channels says what is so: its configuration is taken, and Apprise knows its addresses."""

import re

import msgspec
import pytest
from tests.docs.live_demo import ROOT

from firmquote.model import Secret
from firmquote.publish.alerting import AlertPolicy
from firmquote.runtime.alert_channels import Sender

PAGE = (ROOT / "docs" / "how-to" / "alerts.md").read_text()
ADDRESSES = re.findall(r"^(?:\w+=)?((?!https?:)\w+://\S+)$", PAGE, re.MULTILINE)


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alerts: AlertPolicy


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL))
def test_its_configuration_is_taken(text: str) -> None:
    msgspec.yaml.decode(text, type=File)


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.split(":")[0])
def test_its_addresses_are_known(address: str) -> None:
    Sender("example", Secret(address))


def test_it_names_an_address_for_each_channel_and_the_heartbeat() -> None:
    (first, *_) = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    policy = msgspec.yaml.decode(first, type=File).alerts
    assert len(ADDRESSES) == len(policy.channels) + (policy.heartbeat is not None)
