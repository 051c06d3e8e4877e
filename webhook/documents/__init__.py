"""Read files of YAML or JSON documents, and write them with their author's lines.

Every fault names its place: the file, the document if there are several, the line.
"""
