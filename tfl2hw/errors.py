"""The errors that reach a user: one clear sentence each, with the exit code that goes with it."""


class Tfl2hwError(Exception):
    """A refusal that a user can act on. ``exit_code`` is what the command line returns."""

    exit_code = 2


class ModelError(Tfl2hwError):
    """The model file, or something in it, is not accepted."""


class UsageError(Tfl2hwError):
    """An option, an input file or a board name is not accepted."""


class ExtensionError(Tfl2hwError):
    """An installed package that extends tfl2hw is broken, or does not go with it."""


class DoesNotFit(Tfl2hwError):
    """The model needs more of something than the board has; the message has both numbers."""


class ToolError(Tfl2hwError):
    """An external tool is missing or failed."""

    exit_code = 3
