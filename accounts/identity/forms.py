"""Forms of the second factor and of forgotten passwords."""

from django import forms

from bengi.plain_forms import PlainForm


class CodeForm(PlainForm):
    """Six digits of the phone, or a recovery code."""

    code = forms.CharField(
        max_length=16, error_messages={"required": "Write the code that your phone shows."}
    )


class ForgotForm(PlainForm):
    email = forms.EmailField(
        max_length=254,
        error_messages={
            "required": "Write the e-mail address you signed up with.",
            "invalid": "This is not an e-mail address.",
        },
    )


class ResetForm(PlainForm):
    password = forms.CharField(
        strip=False, max_length=256, error_messages={"required": "Choose a password."}
    )
