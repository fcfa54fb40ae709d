"""`python -m firmquote` is `firmquote`."""

from firmquote.cli import main

main()
