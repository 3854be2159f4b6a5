"""Short names for people: what is typed becomes a SIP URI, and is shown short again."""

from collections.abc import Mapping


class PhoneBook:
    """Knows who is meant.

    Args:
        domain: ``alice`` is ``sip:alice@DOMAIN``.
        contacts: Names for people: name and SIP URI, or name and user name.
    """

    def __init__(self, domain: str, contacts: Mapping[str, str]) -> None:
        self._domain = f"[{domain}]" if ":" in domain and not domain.startswith("[") else domain
        self.contacts = contacts
        self._names = {self.uri(name): name for name in contacts}

    def uri(self, name: str) -> str:
        """Return the SIP URI of a contact, of ``user``, of ``user@host``, or what is one.

        Whether it is a valid one is for the daemon to say.
        """
        meant = self.contacts.get(name, name)
        if ":" in meant.partition("@")[0]:
            return meant
        return f"sip:{meant}" if "@" in meant else f"sip:{meant}@{self._domain}"

    def name(self, uri: str) -> str:
        """Return how a person would call ``uri``: the shortest that `uri` turns into it."""
        bare = uri.removeprefix("sip:")
        shorter = (self._names.get(uri, ""), bare.removesuffix(f"@{self._domain}"), bare)
        return next((name for name in shorter if name and self.uri(name) == uri), uri)
