"""Market data of Twelve Data: its REST API, its stream, and a budget of credits for both.

errors, parsing       what it says: pure
rest                  one conversation over HTTP
governor, ledgers     how many credits there are, and who may have them
schedule, coalescing  who is asked about next
poller, provider      both put together: answers become ticks
stream                the WebSocket, for plans that have one
"""
