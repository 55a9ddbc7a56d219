import DeepFM
import Foundation
import NIOCore
import NIOHTTP1

/// One connection: gathers each request, has it answered, and lets one follow another.
final class RequestHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let desk: Desk
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  private var isTooLong = false
  /// Closes the connection, unless a whole request comes first.
  private var deadline: Scheduled<Void>?
  private var isAnswering = false
  private var isClosing = false

  init(_ desk: Desk) { self.desk = desk }

  func channelActive(context: ChannelHandlerContext) {
    expectRequest(context)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    context.fireChannelInactive()
  }

  private func expectRequest(_ context: ChannelHandlerContext) {
    let channel = context.channel
    deadline = context.eventLoop.scheduleTask(in: .nanoseconds(Int64(desk.limits.seconds * 1e9))) {
      channel.close(promise: nil)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body.clear()
      isTooLong = false
    case .body(var part):
      isTooLong = isTooLong || body.readableBytes + part.readableBytes > desk.limits.bytes
      if !isTooLong { body.writeBuffer(&part) }
    case .end:
      guard let head else { return }
      self.head = nil
      deadline?.cancel()
      answer(head, context)
    }
  }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let path = String(head.uri.prefix { $0 != "?" })
    switch (head.method, path) {
    case (.POST, "/predict"): predict(head, context)
    case (.GET, "/health"): send(.ok, .text("ok\n"), head, context)
    case (.GET, "/model"): send(.ok, .json(desk.description), head, context)
    case (.GET, "/metrics"): send(.ok, .text(desk.metricsText), head, context)
    case (_, "/predict"), (_, "/health"), (_, "/model"), (_, "/metrics"):
      send(.methodNotAllowed, .failure("\(path) takes \(path == "/predict" ? "POST" : "GET")"), head, context)
    default: send(.notFound, .failure("there are POST /predict, GET /model, /health and /metrics"), head, context)
    }
  }

  private func predict(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let began = NIODeadline.now()
    // Ends when the channel's loop has been told, in which alone this handler and its context are touched.
    let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    @Sendable func finish(_ status: HTTPResponseStatus, _ content: Content, rows: Int = 0) {
      let (handler, context) = here.value
      let seconds = Double((NIODeadline.now() - began).nanoseconds) / 1e9
      handler.desk.metrics.note(status: Int(status.code), rows: rows, seconds: seconds)
      handler.isAnswering = false
      handler.send(status, content, head, context)
    }
    guard !isTooLong else {
      return finish(.payloadTooLarge, .failure("a request has at most \(desk.limits.bytes) bytes"))
    }
    let type = head.headers.first(name: "content-type") ?? "application/json"
    let isJSON = type.lowercased().hasPrefix("application/json")
    guard isJSON || type.lowercased().hasPrefix("text/") else {
      return finish(.unsupportedMediaType, .failure("send application/json or text/csv, not \(type)"))
    }
    isAnswering = true
    let loop = context.eventLoop
    let job = ScoringPool.Job(body: Data(body.readableBytesView), isJSON: isJSON) { result in
      let (status, content, rows) = Self.response(to: result, isJSON: isJSON)
      loop.execute { finish(status, content, rows: rows) }
    }
    guard desk.pool.take(job) else {
      return finish(.serviceUnavailable, .failure("\(ScoringPool.mostWaiting) requests wait already; ask again"))
    }
  }

  private static func response(
    to result: Result<ScoringPool.Answer, any Error>, isJSON: Bool
  ) -> (HTTPResponseStatus, Content, rows: Int) {
    switch result {
    case .failure(let error): return (.badRequest, .failure("\(error)"), 0)
    case .success(let answer):
      if let row = answer.probabilities.firstIndex(where: \.isNaN) {
        return (.unprocessableEntity, .failure("row \(row): the prediction is not a number"), 0)
      }
      let numbers = answer.probabilities.map { "\($0)" }
      let content: Content =
        isJSON
        ? .json("{\"probabilities\":[\(numbers.joined(separator: ","))],\"model\":\"\(answer.version)\"}")
        : .text(numbers.map { $0 + "\n" }.joined())
      return (.ok, content, answer.probabilities.count)
    }
  }

  /// What an answer holds.
  private struct Content: Sendable {
    let type: String
    let text: String

    static func json(_ text: String) -> Content { Content(type: "application/json", text: text + "\n") }
    static func text(_ text: String) -> Content { Content(type: "text/plain; charset=utf-8", text: text) }

    static func failure(_ sentence: String) -> Content {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      let quoted = (try? encoder.encode(sentence)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
      return .json("{\"error\":\(quoted)}")
    }
  }

  private func send(
    _ status: HTTPResponseStatus, _ content: Content, _ request: HTTPRequestHead, _ context: ChannelHandlerContext
  ) {
    let staysOpen = request.isKeepAlive && !isClosing
    var headers = HTTPHeaders([("content-type", content.type), ("content-length", "\(content.text.utf8.count)")])
    if !staysOpen { headers.add(name: "connection", value: "close") }
    context.write(
      wrapOutboundOut(.head(.init(version: request.version, status: status, headers: headers))), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: content.text)))), promise: nil)
    let written = context.writeAndFlush(wrapOutboundOut(.end(nil)))
    if staysOpen {
      expectRequest(context)
    } else {
      let channel = context.channel
      written.whenComplete { _ in channel.close(promise: nil) }
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
    isClosing = true
    if head == nil, !isAnswering { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
