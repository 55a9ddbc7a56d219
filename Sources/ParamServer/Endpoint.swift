/// Addresses as ZeroMQ writes them.
enum Endpoint {
  /// Refuses to advertise what can be reached from this host alone, or says nothing of a host, where others take part.
  ///
  /// - Throws: `ServerError.unreachable`.
  static func reachable(_ endpoint: String, coordinator: String) throws(ServerError) -> String {
    if isWildcard(endpoint) || (isLoopback(endpoint) && !isLoopback(coordinator)) {
      throw .unreachable(endpoint: endpoint, coordinator: coordinator)
    }
    return endpoint
  }

  private static func host(of endpoint: String) -> Substring {
    guard let scheme = endpoint.firstRange(of: "://") else { return endpoint[...] }
    let address = endpoint[scheme.upperBound...]
    return address.lastIndex(of: ":").map { address[..<$0] } ?? address
  }

  static func isLoopback(_ endpoint: String) -> Bool {
    let host = host(of: endpoint)
    return host.hasPrefix("127.") || host == "localhost" || host == "[::1]" || !endpoint.hasPrefix("tcp://")
  }

  static func isWildcard(_ endpoint: String) -> Bool {
    let host = host(of: endpoint)
    return host == "0.0.0.0" || host == "*" || host == "[::]"
  }
}
