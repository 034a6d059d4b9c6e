"""/api/v1/auth/email: the e-mail address of who is signed in, and another one in its place."""

from django.views.decorators.debug import sensitive_variables
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.identity import shapes
from accounts.identity.addresses import (
    ask_for_change,
    forget_change,
    is_confirmed,
    waiting_address,
)
from accounts.identity.api import LOOK_IN_MAIL
from accounts.identity.passwords import prove_again
from accounts.identity.serializers import EmailInput
from bengi.inputs import ApiRequest, Input, read_body, read_query
from bengi.schema.operation import operation


class EmailView(APIView):
    """The e-mail address, and one that waits: it counts once its key has come back."""

    @operation("Get the address", answers=shapes.Email)
    def get(self, request: ApiRequest) -> Response:
        read_query(Input, request.query_params)
        user = request.user
        waiting = waiting_address(user) or None
        told = {"email": user.email, "email_verified": is_confirmed(user), "waiting": waiting}
        return Response(told)

    @operation(
        "Change the address",
        body=EmailInput,
        answers=shapes.Told,
        status=202,
        refuses=("wrong_password",),
    )
    @sensitive_variables("values")
    def put(self, request: ApiRequest) -> Response:
        values = read_body(EmailInput, request.data)
        user, plain = request.user, request._request
        prove_again(plain, user, values["password"], field="password")
        ask_for_change(plain, user, values["email"])
        return Response({"detail": LOOK_IN_MAIL}, status=202)

    @operation("Keep the address", answers=None, status=204)
    def delete(self, request: ApiRequest) -> Response:
        forget_change(request.user)
        return Response(status=204)
