"""The hot path: frame → events → plausibility → line → arbitration → board → symbols to decide on, readers.

Everything here is synchronous and allocates nothing per quote beyond the decoded `Quote`.
"""

from firmquote.board.arbitration import Seam
from firmquote.board.barring import visible_line
from firmquote.board.board import Board
from firmquote.board.feed import Feed, FeedCounts
from firmquote.board.halts import halt_entry, lift_band, resume_entry
from firmquote.board.line import Entry, Line
from firmquote.board.peers import believed_elsewhere
from firmquote.board.reader import Reader
from firmquote.board.showing import BoardView

__all__ = [
    "Board",
    "BoardView",
    "Entry",
    "Feed",
    "FeedCounts",
    "Line",
    "Reader",
    "Seam",
    "believed_elsewhere",
    "halt_entry",
    "lift_band",
    "resume_entry",
    "visible_line",
]
