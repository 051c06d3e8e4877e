"""Files of YAML or JSON documents: cut apart, parsed, and written with their author's lines.

Every fault names its place: file, document where there are several, line.
"""
