"""Read files of YAML or JSON documents, and write them with their author's lines.

files           documents of files, directories and standard input
document        one document, cut out so that it can be written back
parse, aliases  its content, with comments and order; aliases and merge keys
plain           the JSON that kubectl would send
contents        the objects in documents
text, merge     the author's lines with our change

Rule 1: every fault names its place: the file, the document if there are several, the line.
Rule 2: what did not change is written as its author wrote it.
"""
