"""What can go wrong with a step of a batch."""


class StepFailed(Exception):
    """A batch could not be carried on now: nothing of the step was done."""

    def __init__(self, batch_id: int) -> None:
        super().__init__(f"batch {batch_id} could not be carried on")
        self.batch_id = batch_id
