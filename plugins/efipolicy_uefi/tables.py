"""What several rules ask of a configuration table."""

from efipolicy.plugin import AddressRange, ConfigurationTable


def extent_of(table: ConfigurationTable) -> AddressRange:
    """The bytes of a table; without a known length at least its first byte."""
    return AddressRange(table.address, table.address + (table.length or 1))


def name_of(table: ConfigurationTable) -> str:
    """The well-known name, or the GUID."""
    return table.name or table.guid or "a table"
