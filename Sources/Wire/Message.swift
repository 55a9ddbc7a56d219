/// What a message says: one type for each thing that can be said, parsed and checked once, typed from there on.
public enum Message: Sendable {
  /// worker -> server
  case pull(Pull)
  /// server -> worker, the answer to a pull
  case rows(Rows)
  /// worker -> server, or first home -> other home: a node of a step's tree
  case push(Push)
  /// The answer to a push or a copy: it is in the sum, or in the state, now or before
  case pushed
  /// first home -> a server that is to hold the slot too
  case copy(Copy)
  /// worker -> coordinator
  case scores(Scores)
  /// The answer to what only needs to have arrived.
  case noted
  /// Anyone's answer to what it does not do.
  case refusal(Refusal)
  /// server or worker -> coordinator, before it has a place
  case register(Registration)
  /// coordinator -> server or worker, the answer to a registration
  case welcome(Member)
  /// server or worker <-> coordinator: I live, and this is how far I am.
  case beat(Beat)
  /// coordinator -> server or worker
  case order(Control)
  /// server or worker -> coordinator, the answer to an order that is carried out
  case report(Control)
  /// server or worker -> coordinator: I cannot go on.
  case failed(String)
  /// worker -> coordinator
  case fetch(Fetch)
  /// coordinator -> worker, the answer to a fetch
  case piece(Piece)
  /// A person's tool -> coordinator, answered by `report`
  case command(Control)
}

enum MessageKind: UInt16, CaseIterable {
  case pull = 1
  case rows
  case push
  // The kind of a refusal is the same in all versions, so that a process of another one understands at least that.
  case refusal = 4
  case pushed, scores, noted, register, welcome, beat, order, report, failed, fetch, piece, copy, command
}

extension Message {
  var kind: MessageKind {
    switch self {
    case .pull: .pull
    case .rows: .rows
    case .push: .push
    case .pushed: .pushed
    case .scores: .scores
    case .noted: .noted
    case .refusal: .refusal
    case .register: .register
    case .welcome: .welcome
    case .beat: .beat
    case .order: .order
    case .report: .report
    case .failed: .failed
    case .fetch: .fetch
    case .piece: .piece
    case .copy: .copy
    case .command: .command
    }
  }

  /// Whether the message ends a request, rather than making one.
  package var isAnswer: Bool {
    switch self {
    case .rows, .pushed, .noted, .refusal, .welcome, .report, .piece: true
    case .pull, .push, .copy, .scores, .register, .beat, .order, .failed, .fetch, .command: false
    }
  }

  /// Whether a repeated question may simply be answered anew, from what is there. Others are carried out once, and their
  /// answers kept.
  var isIdempotent: Bool {
    switch self {
    case .pull, .push, .copy, .fetch, .register, .command: true
    default: false
    }
  }

  /// Its name in sentences.
  public var name: String { "\(kind)" }
}

/// A message with its preamble: what travels.
public struct Envelope: Sendable {
  public var preamble: Preamble
  public var message: Message

  public init(_ preamble: Preamble, _ message: Message) {
    self.preamble = preamble
    self.message = message
  }

  /// A refusal for somebody there is no session with.
  ///
  /// - Parameters:
  ///   - identity: what the refusing side says of itself.
  ///   - request: the number of what is refused.
  public init(refusing request: UInt64, _ refusal: Refusal, as identity: Preamble) {
    preamble = identity
    preamble.request = request
    message = .refusal(refusal)
  }

  /// A message's frames: preamble and fields in the first, arrays in others.
  public func frames() -> [Frame] {
    var fields = FieldWriter()
    preamble.write(message.kind, to: &fields)
    var arrays: [Frame] = []
    switch message {
    case .pull(let pull): arrays = pull.write(to: &fields)
    case .rows(let rows): arrays = rows.write(to: &fields)
    case .push(let push): arrays = push.write(to: &fields)
    case .scores(let scores): arrays = scores.write(to: &fields)
    case .refusal(let refusal): arrays = refusal.write()
    case .welcome(let member): fields.put(member.code)
    case .register(let registration): arrays = [Control(registration).frame]
    case .beat(let beat): arrays = [Control(beat).frame]
    case .copy(let copy): arrays = copy.write(to: &fields)
    case .order(let control), .report(let control), .command(let control): arrays = [control.frame]
    case .failed(let sentence): arrays = [Frame(Array(sentence.utf8))]
    case .fetch(let fetch): fetch.write(to: &fields)
    case .piece(let piece): arrays = piece.write(to: &fields)
    case .pushed, .noted: break
    }
    return [Frame(fields.bytes)] + arrays
  }

  /// Parses and checks what a socket received.
  ///
  /// - Throws: `WireError`. What is returned holds together: counts are those of the arrays, parts are within theirs.
  public init(frames: [Frame]) throws {
    guard let first = frames.first else { throw WireError.malformed("no frames") }
    var fields = FieldReader(first)
    preamble = try Preamble(&fields)
    let arrays = Arrays(frames: frames.dropFirst().map { $0.aligned() })
    switch Preamble.kind(of: first)! {
    case .pull: message = .pull(try Pull(&fields, arrays))
    case .rows: message = .rows(try Rows(&fields, arrays))
    case .push: message = .push(try Push(&fields, arrays))
    case .scores: message = .scores(try Scores(&fields, arrays))
    case .refusal: message = .refusal(try Refusal(arrays))
    case .welcome:
      guard let member = Member(code: try fields.get()) else { throw WireError.malformed("welcome of nobody") }
      message = .welcome(member)
    case .register: message = .register(try arrays.control().decode())
    case .beat: message = .beat(try arrays.control().decode())
    case .order: message = .order(try arrays.control())
    case .report: message = .report(try arrays.control())
    case .failed: message = .failed(try arrays.text())
    case .fetch: message = .fetch(try Fetch(&fields))
    case .piece: message = .piece(try Piece(&fields, arrays))
    case .copy: message = .copy(try Copy(&fields, arrays))
    case .command: message = .command(try arrays.control())
    case .pushed: message = .pushed
    case .noted: message = .noted
    }
    try fields.finish()
    try arrays.finish(message.arrays)
  }
}

extension Message {
  /// Frames behind the first.
  var arrays: Int {
    switch self {
    case .pull, .rows, .register, .beat, .order, .report, .failed, .refusal, .piece, .command: 1
    case .scores, .copy: 2
    case .push: 4
    case .pushed, .noted, .welcome, .fetch: 0
    }
  }
}

/// The frames behind a message's first, with what it takes to read them safely.
struct Arrays {
  let frames: [Frame]

  /// Frame `index`, which must hold exactly `count` elements.
  func frame<Element: BitwiseCopyable>(_ index: Int, of type: Element.Type, count: Int) throws -> Frame {
    guard frames.indices.contains(index) else { throw WireError.malformed("frame \(index) is missing") }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !overflow, frames[index].count == bytes else {
      throw WireError.malformed("frame \(index) has \(frames[index].count) bytes, not \(count) elements")
    }
    return frames[index]
  }

  func control() throws -> Control {
    guard let frame = frames.first else { throw WireError.malformed("frame 0 is missing") }
    return Control(frame: frame)
  }

  func text() throws -> String {
    guard let frame = frames.first else { throw WireError.malformed("frame 0 is missing") }
    return withExtendedLifetime(frame) { String(decoding: frame.bytes, as: UTF8.self) }
  }

  func finish(_ expected: Int) throws {
    guard frames.count == expected else { throw WireError.malformed("\(frames.count) frames where \(expected) belong") }
  }
}
