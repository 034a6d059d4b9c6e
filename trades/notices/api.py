"""Notifications over HTTP."""

from rest_framework.response import Response
from rest_framework.views import APIView

from bengi.inputs import ApiRequest, read_query
from bengi.pagination import page
from bengi.schema.operation import operation
from trades.notices import shapes
from trades.notices.selectors import ORDER, events_told, notices, unread_count
from trades.notices.serializers import NotificationsInput, notice_shape


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
