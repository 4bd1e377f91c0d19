"""What can go wrong with a step of a release."""


class StepFailed(Exception):
    """A release could not be carried on now: nothing of the step was done."""

    def __init__(self, release_id: int) -> None:
        super().__init__(f"release {release_id} could not be carried on")
        self.release_id = release_id
