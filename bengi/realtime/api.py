"""What the stream does, for staff."""

from rest_framework.response import Response
from rest_framework.views import APIView

from bengi.errors import Forbidden
from bengi.inputs import ApiRequest, Input, read_query
from bengi.realtime import shapes
from bengi.realtime.stats import read
from bengi.schema.operation import operation


class StreamStatsView(APIView):
    """Counts of the sockets of one process, of the one that is asked."""

    @operation("Get the statistics of the stream", answers=shapes.StreamStats)
    def get(self, request: ApiRequest) -> Response:
        read_query(Input, request.query_params)
        if not request.user.is_staff:
            raise Forbidden("forbidden", "That is for staff.")
        return Response(read())
