"""A tool file that cannot be imported."""

from snakepit import tool

import a_module_that_is_not_there


@tool
def never() -> None:
    a_module_that_is_not_there.run()
