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
    help:
      "Sightings after which a feature gets a row of its own; until then it shares its field's out-of-vocabulary row. Default: 1."
  )
  var admitAfter: Int?

  @Flag(help: "Pack the training data in the run directory first, so that they are parsed once.")
  var cache = false

  @Option(
    name: .customLong("data"),
    help:
      "shared: all processes read the data under the same paths. local: each worker reads the files that it was started with. Default: shared.",
    transform: named)
  var placement: DataPlacement?

  func override(_ job: inout JobConfiguration) {
    if !train.isEmpty { job.train = train }
    if !valid.isEmpty { job.valid = valid }
    data.override(&job)
    if let vocab { job.vocabulary = vocab }
    if let admitAfter { job.admitAfter = admitAfter }
    if cache { job.cache = true }
    if let placement { job.data = placement }
  }
}
