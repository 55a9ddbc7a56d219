import ArgumentParser
import Job

/// The flags that say what a run reads.
struct InputOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Training data: text (plain, gzip or zstd) or packed; files, directories, patterns, or - for standard input.",
      valueName: "file"))
  var train: [String] = []

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Data to evaluate on after each epoch.", valueName: "file"))
  var valid: [String] = []

  @OptionGroup var data: DataOptions

  @Option(
    help: ArgumentHelp(
      "A vocabulary of `deepfm vocab build`; values that it lacks share their field's out-of-vocabulary feature.",
      valueName: "file"))
  var vocab: String?

  @Option(
    help: .init(
      "Sightings after which a feature gets a row of its own; until then it shares its field's out-of-vocabulary row.",
      default: \.data.admitAfter)
  )
  var admitAfter: Int?

  @Option(
    help: .init(
      "Rows of features that go again: unseen:<epochs> without an update, norm:<length> below it, score[:<worth>] of fading "
        + "shows (0.1) and clicks (1) below it (default: 0.8).",
      valueName: "rule"), transform: evictionNamed)
  var evict: EvictionChoice?

  @Option(
    help: .init(
      "Steps in which all rows are looked through once for --evict (default: those of an epoch).", valueName: "steps"
    ))
  var evictEvery: Int?

  @Option(
    help: .init(
      "The share of training rows without a click that are kept, each by a draw of its own; predictions are corrected for it.",
      default: \.data.negativeRate, valueName: "share"))
  var negativeRate: Double?

  @Flag(help: "Pack the training data in the run directory first, so that they are parsed once.")
  var cache = false

  @Option(
    name: .customLong("data"),
    help: .init(
      "shared: all processes read the data under the same paths. local: each worker reads the files that it was started with.",
      default: \.data.placement),
    transform: named)
  var placement: DataPlacement?

  @Option(help: .init("Threads of a worker that read and encode.", default: \.data.readers))
  var readers: Int?

  @Flag(help: "Read and compute in turn, to see what asynchronous reading is worth.")
  var syncReading = false

  func override(_ settings: inout DataSettings) {
    if !train.isEmpty { settings.train = train }
    if !valid.isEmpty { settings.valid = valid }
    data.override(&settings)
    if let vocab { settings.vocabulary = vocab }
    if let admitAfter { settings.admitAfter = admitAfter }
    if let evict { settings.evict = evict }
    if let evictEvery { settings.evictEvery = evictEvery }
    if let negativeRate { settings.negativeRate = negativeRate }
    if cache { settings.cache = true }
    if let placement { settings.placement = placement }
    if let readers { settings.readers = readers }
    if syncReading { settings.syncReading = true }
  }
}

private func evictionNamed(_ name: String) throws -> EvictionChoice {
  try explaining { try EvictionChoice(named: name) }
}
