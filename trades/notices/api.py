"""Notifications over HTTP."""

from rest_framework.response import Response
from rest_framework.views import APIView

from bengi.inputs import ApiRequest, read_body, read_query
from bengi.pagination import page
from bengi.schema.operation import operation
from trades.notices import shapes
from trades.notices.selectors import ORDER, events_told, notices, seen_with, unread_count
from trades.notices.serializers import NotificationsInput, ReadInput, notice_shape
from trades.notices.services import mark_read


class NotificationsView(APIView):
    """What happened to the user, newest first."""

    @operation("List notifications", query=NotificationsInput, answers=shapes.Notifications)
    def get(self, request: ApiRequest) -> Response:
        query = read_query(NotificationsInput, request.query_params)
        found = page(
            events_told(request.user, query["kind"]),
            by=ORDER,
            limit=query["limit"],
            cursor=query["cursor"],
            shape=lambda event: event,
        )
        told = [notice_shape(each) for each in notices(request.user, found["results"])]
        return Response({**found, "results": told, "unread": unread_count(request.user)})


class ReadNotificationsView(APIView):
    """Notifications count as read: all of them, or one and what is older."""

    @operation(
        "Mark notifications read", body=ReadInput, answers=shapes.Unread, refuses=("not_found",)
    )
    def post(self, request: ApiRequest) -> Response:
        newest = read_body(ReadInput, request.data)["up_to"]
        user = request.user
        mark_read(user, None if newest is None else seen_with(user, newest))
        return Response({"unread": unread_count(user)})
