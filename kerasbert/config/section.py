"""What all sections of the configuration have in common."""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from kerasbert.config.yaml_values import SpelledInt

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_word_is_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic takes true for 1; YAML takes yes and on for true, 010 for 8 and 1:30 for 90."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        kinds = get_args(annotation) or (annotation,)
        if not {int, float} & set(kinds):
            return value
        if isinstance(value, bool) and bool not in kinds:
            raise ValueError("should be a number; YAML reads yes, no, on and off as true and false")
        if isinstance(value, SpelledInt) and not value.is_decimal:
            raise ValueError(f"should be a number; YAML reads {value.spelling} as {int(value)}")
        return value
