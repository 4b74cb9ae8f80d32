"""Asks for the models through a proxy, as strictly as Python 3.13 verifies without being told to."""

import http.client
import ssl
import sys

proxy, port, roots = sys.argv[1:]
context = ssl.create_default_context(cafile=roots)
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
connection = http.client.HTTPSConnection(proxy, int(port), context=context, timeout=30)
connection.set_tunnel("api.openai.com", 443)
connection.request("GET", "/v1/models")
print(connection.getresponse().status)
