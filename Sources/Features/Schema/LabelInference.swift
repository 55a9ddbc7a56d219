/// Which column says whether there was a click, and how.
struct LabelInference {
  let column: Int
  let rule: LabelRule
  /// What a person should know of it, a sentence each.
  let remarks: [String]

  private static let names = [
    "label", "click", "clicked", "is_click", "target", "conversion", "converted", "is_conversion",
  ]
  /// What features are called, too.
  private static let likelyNames = ["y", "class", "outcome", "response", "income"]
  private static let ratings = ["rating", "score", "stars"]
  private static let affirmative: Set<String> = [
    "1", "true", "yes", "t", "y", "click", "clicked", "positive", "pos", "p", "+", ">50k", ">50k.", "good", "success",
  ]
  /// - Throws: `DatasetError.noLabel` where no column may be one.
  init(of profiles: [ColumnProfile], file: String) throws {
    func place(_ names: [String], where isFit: (ColumnProfile) -> Bool) -> Int? {
      names.compactMap { name in
        profiles.firstIndex { $0.name.lowercased() == name && isFit($0) }
      }.first
    }
    let twoValued = profiles.indices.filter { profiles[$0].distinct == 2 && profiles[$0].missing == 0 }
    func others(than place: Int) -> [String] { twoValued.filter { $0 != place }.map { profiles[$0].name } }
    if let named = place(Self.names, where: { 1...2 ~= $0.distinct && $0.missing == 0 }) {
      self.init(profiles[named], at: named)
    } else if let rating = place(Self.ratings, where: { $0.isNumeric && $0.distinct > 2 }) {
      let profile = profiles[rating]
      let numbers = Set(profile.numbers.compactMap { $0 }).sorted()
      let threshold = numbers[numbers.count * 3 / 5]
      let clicks = profile.numbers.count { ($0 ?? -.infinity) >= threshold }
      let rule = LabelRule(column: profile.name, .greaterOrEqual, threshold)
      self.init(
        column: rating, rule: rule,
        remarks: [
          "label: \(profile.name) is a rating of \(numbers.count) values; rows with `\(rule.text)` are taken for clicks, "
            + "\(clicks) of \(profile.values.count) rows. Choose another threshold if that is not meant"
        ])
    } else if let guess = place(Self.likelyNames, where: { $0.distinct == 2 && $0.missing == 0 })
      ?? [profiles.count - 1, 0].first(where: twoValued.contains) ?? twoValued.first
    {
      self.init(profiles[guess], at: guess, guessedAmong: others(than: guess))
    } else {
      throw DatasetError.noLabel(file: file, columns: profiles.prefix(8).map(\.name))
    }
  }

  private init(column: Int, rule: LabelRule, remarks: [String]) {
    (self.column, self.rule, self.remarks) = (column, rule, remarks)
  }

  /// - Parameter others: columns that might as well be it; nil: it is called what labels are.
  private init(_ profile: ColumnProfile, at column: Int, guessedAmong others: [String]? = nil) {
    let counts = profile.counts.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
    let said = counts.map { "\"\($0.key)\" in \($0.value) rows" }.joined(separator: ", ")
    var remarks = ["label: \(profile.name) is \(said)"]
    if let others {
      remarks.append(
        "label: that \(profile.name) is the label is a guess: it has two values"
          + (others.isEmpty ? "" : ". So have " + others.joined(separator: ", ")))
    }
    if counts.count == 1 {
      remarks.append("label: all rows looked at are of one class; nothing can be learnt of such data")
    }
    let usual = LabelRule(column: profile.name)
    let verdicts = counts.map { usual.isClick($0.key) }
    let numbers = Set(profile.counts.keys.compactMap(Double.init))
    if !verdicts.contains(nil), Set(verdicts).count == counts.count {
      self.init(column: column, rule: usual, remarks: remarks)
    } else {
      let named = counts.first {
        Self.affirmative.contains($0.key.lowercased()) && (numbers.isEmpty || !numbers.isSubset(of: [1, 2]))
      }?.key
      // Of 1 and 2 the larger, else the rarer one: there are fewer clicks than others.
      let positive =
        named ?? (numbers.count == 2 ? counts.max { Double($0.key)! < Double($1.key)! }!.key : counts.last!.key)
      let negative = counts.map(\.key).filter { $0 != positive }
      let rule = LabelRule(column: profile.name, .texts(positive: [positive], negative: negative))
      if named == nil {
        remarks.append("label: that \"\(positive)\" is the click is a guess. Exchange the two if it is not")
      }
      self.init(column: column, rule: rule, remarks: remarks)
    }
  }
}
