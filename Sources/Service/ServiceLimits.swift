/// What a service takes of those who ask it.
public struct ServiceLimits: Sendable {
  /// Of a request.
  public var bytes = 8 << 20
  public var rows = 10_000
  /// Until a connection's next request has come as a whole.
  public var seconds = 60.0
  public var connections = 4096

  public init() {}
}
