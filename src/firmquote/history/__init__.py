"""What was on the board, on disk: a recorder that writes days of quotes, and a reader that gives them back in order."""

from firmquote.history.reader import TAPE_PROVIDER, days_in, read_day
from firmquote.history.recorder import Recorder
from firmquote.history.rows import QuoteRow

__all__ = ["TAPE_PROVIDER", "QuoteRow", "Recorder", "days_in", "read_day"]
