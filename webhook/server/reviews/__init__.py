"""Answer a review: bytes -> Review -> Decision -> bytes.

reviewer      the path of one review: read, decide, answer, log
review        an AdmissionReview, read
response      a Decision, written
kept_answers  decisions kept for the next replica of a pod
self_check    applies a patch before it is sent

Rule 1: bytes go in and bytes come out, so that all of it can be tested without a socket.
Rule 2: a fault in a review becomes a decision or a BadReview, never a traceback.
"""
