import Run
import Testing

struct VariationTests {
  @Test(
    "A study's shapes have one total, and each variation changes its own setting alone", arguments: Variation.allCases)
  func variations(variation: Variation) {
    var settings = Settings()
    settings.model.hidden = [200, 200, 200]
    let variants = variation.variants(of: settings)
    #expect(Set(variants.map(\.label)).count == variants.count && variants.count >= 2)
    #expect(Set(variants.map(\.settings)).count == variants.count)
    for variant in variants {
      let model = variant.settings.model
      if variation == .shape { #expect(model.hidden.reduce(0, +) == 600) }
      var same = variant.settings
      same.model.hidden = settings.model.hidden
      same.model.keep = settings.model.keep
      same.model.activation = settings.model.activation
      #expect(same == settings)
    }
    #expect(
      NetworkShape.allCases.map { $0.widths(mean: 200) }
        == [[200, 200, 200], [100, 200, 300], [300, 200, 100], [150, 300, 150]])
  }
}
