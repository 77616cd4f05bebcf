import Testing

@testable import Plotting

@Suite struct ChartTests {
  private func texts(_ scene: Scene) -> [Scene.Text] {
    scene.shapes.compactMap { if case .text(let text) = $0 { text } else { nil } }
  }

  /// Everything that is drawn lies in the picture.
  private func expectInside(_ scene: Scene) {
    for shape in scene.shapes {
      let points: [Scene.Point] =
        switch shape {
        case .rectangle(let first, let second, _): [first, second]
        case .band(let upper, let lower, _, _): upper + lower
        case .line(let points, _, _, _): points
        case .mark(_, let place, _, _): [place]
        case .text(let text): [text.place]
        }
      for point in points {
        #expect(point.x >= 0 && point.x <= scene.width && point.y >= 0 && point.y <= scene.height)
      }
    }
    for text in texts(scene) where !text.isUpwards {
      let width = StrokeFont.width(text.text, size: text.size)
      let start =
        text.place.x - (text.anchor == .end ? width : text.anchor == .middle ? width / 2 : 0)
      #expect(start >= 0 && start + width <= scene.width, "\(text.text)")
    }
  }

  @Test(arguments: [2, 3, 9, 40])
  func heatMapsHaveTheirNumbers(count: Int) {
    let values = (0..<count).map { row in (0..<count).map { Double(abs(row - $0)) * 1.25 } }
    let names = (0..<count).map { "model with a very long name number \($0) of many" }
    let scene = HeatMap(title: "T", valueTitle: "v", names: names, values: values).scene
    expectInside(scene)
    let labels = texts(scene)
    #expect(labels.filter { $0.text == "1.25" || $0.text == "1.3" }.count >= 2 * (count - 1))
    #expect(labels.contains { $0.text == "v" && $0.isUpwards })
    #expect(labels.contains { $0.text.hasPrefix("1  ") })
  }

  @Test func valuesThatAreNoneAreShown() {
    let scene = HeatMap(
      title: "T", valueTitle: "v", names: ["a", "b"], values: [[0, .nan], [.nan, 0]]
    ).scene
    expectInside(scene)
    #expect(texts(scene).filter { $0.text == "nan" }.count == 2)
  }

  @Test(arguments: [1, 5, 200])
  func lineChartsHaveAxes(count: Int) {
    let series = (0..<28).map { line in
      LineChart.Series(
        name: "\(line)", values: (0..<count).map { $0 == 2 ? .nan : Double($0 + line) })
    }
    let scene = LineChart(
      title: "T", placeTitle: "layer", valueTitle: "v",
      places: (0..<count).map { "model.layers.\($0)" }, series: series, notes: ["1  a", "2  b"]
    ).scene
    expectInside(scene)
    let names = texts(scene).map(\.text)
    for text in ["T", "layer", "v", "model.layers.0", "27", "2  b", "0"] {
      #expect(names.contains(text), "\(text)")
    }
    #expect(names.filter { $0.hasPrefix("model.layers.") }.count <= 61)
  }

  @Test func labelsOfAMapDoNotHideEachOther() {
    let items = (0..<20).map { index in
      PointMap.Item(
        label: "\(index + 1)", name: "n\(index)", x: index < 10 ? 0 : 5,
        y: Double(index % 10) * 0.01)
    }
    let scene = PointMap(title: "T", xTitle: "x", yTitle: "y", items: items).scene
    expectInside(scene)
    let labels = texts(scene).filter { $0.anchor == .middle && $0.size == 12 }
      .filter { Int($0.text) != nil && Int($0.text) ?? 0 > 0 && $0.place.y < scene.height - 60 }
    let places = labels.map(\.place)
    for (index, place) in places.enumerated() {
      for other in places[..<index] {
        #expect((place.x - other.x).magnitude > 8 || (place.y - other.y).magnitude > 10)
      }
    }
    #expect(places.count >= 20)
  }

  @Test func scalesHaveRoundSteps() {
    #expect(Scale([0, 10], .fromZero).ticks == [0, 2, 4, 6, 8, 10])
    #expect(Scale([9.53, 10.08], .linear).ticks.count >= 4)
    #expect(Scale([3, 3], .linear).ticks.count > 1)
    #expect(Scale([.nan], .fromZero).ticks.count > 1)
    for (low, high) in [(0.001, 2.2), (3e-9, 7), (1, 60), (0.7, 1e12), (9.99, 1001)] {
      let scale = Scale([low, high], .automatic)
      #expect(scale.isLogarithmic)
      #expect(scale.low <= low && scale.high >= high)
      #expect(scale.ticks.count >= 2 && scale.ticks.count <= 9, "\(scale.ticks)")
      #expect((scale.part((scale.low * scale.high).squareRoot()) - 0.5).magnitude < 1e-9)
    }
    #expect(Scale([1e-12, 3e-12], .fromZero).high >= 3e-12)
  }

  @Test func longNamesKeepBothEnds() {
    let text = Label.shortened("checkpoints/run-a/model-final.safetensors", to: 120)
    #expect(text.hasPrefix("check") && text.hasSuffix("tensors") && text.contains("…"))
    #expect(Label.width(text) <= 120)
    #expect(Label.shortened("short", to: 120) == "short")
  }
}
