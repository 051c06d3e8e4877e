"""One review: bytes -> Review -> Decision -> bytes.

reviewer      the way of one review: read, decide, answer, report
review        an AdmissionReview, read
response      a Decision, written
kept_answers  decisions kept for the next replica of the same pod
self_check    our own patch, applied before it leaves

Rule 1: bytes go in and bytes come out, so that all of it can be tested without a socket.
Rule 2: whatever is wrong with a review becomes a decision or an HttpError, never a traceback.
"""
