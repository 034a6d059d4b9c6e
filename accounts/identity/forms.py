"""Forms of the second factor and of forgotten passwords."""

from django import forms


class CodeForm(forms.Form):
    """Six digits of the phone, or a recovery code."""

    code = forms.CharField(
        max_length=16, error_messages={"required": "Write the code that your phone shows."}
    )


class ForgotForm(forms.Form):
    email = forms.EmailField(
        max_length=254,
        error_messages={
            "required": "Write the e-mail address you signed up with.",
            "invalid": "This is not an e-mail address.",
        },
    )


class ResetForm(forms.Form):
    password = forms.CharField(
        strip=False, max_length=256, error_messages={"required": "Choose a password."}
    )
