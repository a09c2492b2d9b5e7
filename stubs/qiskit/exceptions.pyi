class QiskitError(Exception):
    message: str
