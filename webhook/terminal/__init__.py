"""Print lines, tables and progress for people and for programs.

printing  lines, bytes and differences
hiding    leaves credentials out of messages and logs
tables    tables, and JSON instead of them
progress  the progress of a long command: a bar on a terminal, lines in a log

Rule 1: text from outside goes through values.text.printable, so that it can't move the cursor.
Rule 2: colours and bars are for terminals; a pipe gets plain lines.
"""
