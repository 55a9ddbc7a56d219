import Testing

@testable import ParamServer

struct EndpointTests {
  @Test(
    "Where a server is reached from its own host alone, it takes part only in runs of that host",
    arguments: [
      "tcp://127.0.0.1:7001", "tcp://localhost:7001", "tcp://[::1]:7001", "ipc:///tmp/x", "tcp://127.3.2.1:5",
    ])
  func loopback(endpoint: String) throws {
    #expect(try Endpoint.reachable(endpoint, coordinator: "tcp://127.0.0.1:7000") == endpoint)
    #expect(try Endpoint.reachable(endpoint, coordinator: "ipc:///tmp/coordinator") == endpoint)
    let error = #expect(throws: ServerError.self) {
      try Endpoint.reachable(endpoint, coordinator: "tcp://10.0.0.1:7000")
    }
    #expect(error?.description.contains(endpoint) == true && error?.description.contains("tcp://10.0.0.1:7000") == true)
    #expect(error?.description.contains("--advertise") == true)
  }

  @Test(
    "An address that stands for all is nowhere to be reached at, by whomever",
    arguments: ["tcp://0.0.0.0:7001", "tcp://*:7001", "tcp://[::]:7001"],
    ["tcp://127.0.0.1:7000", "tcp://10.0.0.1:7000"])
  func wildcard(endpoint: String, coordinator: String) {
    #expect(throws: ServerError.self) { try Endpoint.reachable(endpoint, coordinator: coordinator) }
  }

  @Test(
    "An address of the network is taken as it is",
    arguments: ["tcp://10.0.0.2:7001", "tcp://server.example:7001", "tcp://[fe80::1]:7001"])
  func network(endpoint: String) throws {
    #expect(try Endpoint.reachable(endpoint, coordinator: "tcp://10.0.0.1:7000") == endpoint)
    #expect(try Endpoint.reachable(endpoint, coordinator: "tcp://127.0.0.1:7000") == endpoint)
  }
}
