import sys, xmlrpc.client
from xmlrpc.server import SimpleXMLRPCServer

if sys.argv[1] == "server":
    with SimpleXMLRPCServer(("0.0.0.0", 8000), logRequests=False) as server:
        server.register_introspection_functions()
        server.register_function(pow)
        server.register_multicall_functions()
        server.serve_forever()
else:
    proxy = xmlrpc.client.ServerProxy("http://server:8000")
    print(proxy.pow(2, 10))
    multicall = xmlrpc.client.MultiCall(proxy)
    multicall.pow(3, 3)
    multicall.pow(2, 5)
    print(tuple(multicall()))
    print(proxy.system.listMethods()[0])
    try:
        proxy.pow("a", "b")
    except xmlrpc.client.Fault as fault:
        print(fault.faultCode, "TypeError" in fault.faultString)
