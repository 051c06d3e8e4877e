"""What people see in a terminal.

printing  lines, bytes and differences
tables    tables, and JSON in their place
progress  how far a long command is: a bar on a terminal, lines in a log

Rule 1: text of others goes through values.text.printable, so that it can't move the cursor.
Rule 2: colour and bars are for terminals; a pipe gets plain lines.
"""
