/// What can go wrong between two processes, with the way out.
public enum WireError: Error, Equatable, CustomStringConvertible {
  case addressInUse(endpoint: String)
  case badEndpoint(endpoint: String, reason: String)
  case system(call: String, reason: String)
  case malformed(String)
  case wrongVersion(found: UInt16)

  public var description: String {
    switch self {
    case .addressInUse(let endpoint):
      "\(endpoint) is in use by another process. Choose another port, or port * for a free one."
    case .badEndpoint(let endpoint, let reason):
      "cannot use \(endpoint): \(reason). Endpoints look like tcp://127.0.0.1:7000."
    case .system(let call, let reason):
      "\(call) failed: \(reason)."
    case .malformed(let what):
      "malformed message: \(what)."
    case .wrongVersion(let found):
      "the peer speaks protocol version \(found), this process \(Preamble.version). Use one build of deepfm on all machines."
    }
  }
}
