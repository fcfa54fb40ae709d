"""The only assembler: clock, configuration, sockets, tasks; effects are carried out here."""

__all__: list[str] = []
