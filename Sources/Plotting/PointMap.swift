/// Labelled points in a plane, with the same unit along both axes.
package struct PointMap: Sendable {
  /// A point.
  package struct Item: Sendable {
    /// The short name beside it.
    package let label: String
    /// The name in the list beside the picture; empty when the short one says it.
    package let name: String
    package let x, y: Double
    /// Whether it is drawn as one of another kind.
    package let isSpecial: Bool

    package init(label: String, name: String, x: Double, y: Double, isSpecial: Bool = false) {
      self.label = label
      self.name = name
      self.x = x
      self.y = y
      self.isSpecial = isSpecial
    }
  }

  /// What the picture shows.
  package let title: String
  /// What the axes are, with their unit.
  package let xTitle, yTitle: String
  /// The points.
  package let items: [Item]

  package init(title: String, xTitle: String, yTitle: String, items: [Item]) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.items = items
  }

  private static let margin = 24.0
  private static let maximumNameWidth = 240.0
  private static let noteLine = 20.0
  /// How far a label stands from its point when nothing is in the way.
  private static let nearest = 12.0

  /// The picture.
  package var scene: Scene {
    let finite = items.filter { $0.x.isFinite && $0.y.isFinite }
    let (xs, ys) = (finite.map(\.x), finite.map(\.y))
    // The same unit along both axes: distances in the picture are distances between the models.
    let unit = max((xs.max() ?? 1) - (xs.min() ?? 0), ((ys.max() ?? 1) - (ys.min() ?? 0)) * 1.5)
    let horizontal = PointMap.padded(xs, unit * 0.12)
    let vertical = PointMap.padded(ys, unit * 0.12)
    let perUnit = 520 / (horizontal.high - horizontal.low)
    let height = min(520, max(120, (vertical.high - vertical.low) * perUnit))
    let tickWidth = vertical.ticks.map { Label.width(vertical.text($0), size: 12) }.max() ?? 0
    let frame = PlotFrame(
      left: PointMap.margin + 26 + tickWidth, top: PointMap.margin + 34, width: 520,
      height: height)
    let notes = items.filter { !$0.name.isEmpty }.map { item in
      Label.shortened("\(item.label)  \(item.name)", to: PointMap.maximumNameWidth, size: 12)
    }
    let noteWidth = notes.map { Label.width($0, size: 12) }.max() ?? 0
    let width = max(
      frame.right + 28 + noteWidth + PointMap.margin,
      PointMap.margin * 2 + Label.width(title, size: 15))
    let noteHeight = Double(notes.count) * PointMap.noteLine
    var scene = Scene(
      width: width, height: max(frame.bottom + 62, frame.top + noteHeight + PointMap.margin),
      title: title)
    scene.add(.text(Scene.Text(title, at: Scene.Point(PointMap.margin, 34), size: 15)))
    frame.drawHorizontalTicks(&scene, vertical)
    frame.drawVerticalTicks(&scene, horizontal)
    frame.drawTitles(
      &scene, x: xTitle, y: yTitle, xTitleY: frame.bottom + 38, yTitleX: PointMap.margin + 8)
    let places = finite.map { item in
      Scene.Point(frame.x(horizontal.part(item.x)), frame.y(vertical.part(item.y)))
    }
    for (item, place) in zip(finite, places) {
      let color: Scene.Color = item.isSpecial ? .black : Palette.series(0).color
      scene.add(.mark(item.isSpecial ? .square : .circle, place, radius: 5, color))
    }
    drawLabels(&scene, finite, places, frame)
    for (index, note) in notes.enumerated() {
      let y = frame.top + 12 + Double(index) * PointMap.noteLine
      scene.add(
        .text(Scene.Text(note, at: Scene.Point(frame.right + 28, y), size: 12, color: .gray)))
    }
    return scene
  }

  private static func padded(_ values: [Double], _ margin: Double) -> Scale {
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    let room = margin > 0 ? margin : 1
    return Scale([low - room, high + room], .linear)
  }

  /// Puts each label where it hides no point and no other label, as near to its point as that goes; a line
  /// leads to one that is not beside its point.
  private func drawLabels(
    _ scene: inout Scene, _ items: [Item], _ places: [Scene.Point], _ frame: PlotFrame
  ) {
    let inside = Box(
      around: Scene.Point(frame.left + frame.width / 2, frame.top + frame.height / 2),
      width: frame.width, height: frame.height)
    let marks = places.map { Box(around: $0, width: 12, height: 12) }
    var labels: [Box] = []
    for (item, place) in zip(items, places) {
      let length = Label.width(item.label, size: 12)
      var chosen = Box(around: place, width: 0, height: 0)
      var distance = PointMap.nearest
      search: while distance < 240 {
        for direction in PointMap.directions {
          // Wide labels need more room beside than above their points.
          let middle = Scene.Point(
            place.x + direction.x * (distance + length / 2), place.y + direction.y * distance)
          chosen = Box(around: middle, width: length + 2, height: 13)
          let isFree = !labels.contains {
            chosen.overlaps($0) || $0.isCrossed(from: place, to: middle)
          }
          if isFree, inside.contains(chosen), !marks.contains(where: chosen.overlaps) {
            break search
          }
        }
        distance += 8
      }
      labels.append(chosen)
      if distance > PointMap.nearest {
        scene.addLine(place, chosen.middle, .gray, width: 0.7)
        scene.add(.rectangle(chosen.low, chosen.high, .white))
      }
      scene.add(
        .text(
          Scene.Text(
            item.label, at: Scene.Point(chosen.middle.x, chosen.middle.y + 4.3), size: 12,
            anchor: .middle)))
    }
  }

  /// To the right first, then around.
  private static let directions = [
    Scene.Point(1, 0), Scene.Point(-1, 0), Scene.Point(0, -1), Scene.Point(0, 1),
    Scene.Point(0.7, -0.7), Scene.Point(-0.7, -0.7), Scene.Point(0.7, 0.7), Scene.Point(-0.7, 0.7),
    Scene.Point(0.9, -0.4), Scene.Point(-0.9, -0.4), Scene.Point(0.9, 0.4), Scene.Point(-0.9, 0.4),
  ]

  private struct Box {
    let low, high: Scene.Point

    init(around middle: Scene.Point, width: Double, height: Double) {
      low = Scene.Point(middle.x - width / 2, middle.y - height / 2)
      high = Scene.Point(middle.x + width / 2, middle.y + height / 2)
    }

    var middle: Scene.Point { Scene.Point((low.x + high.x) / 2, (low.y + high.y) / 2) }

    func contains(_ other: Box) -> Bool {
      low.x <= other.low.x && other.high.x <= high.x && low.y <= other.low.y
        && other.high.y <= high.y
    }

    /// Whether a line between two points comes into the box.
    func isCrossed(from start: Scene.Point, to end: Scene.Point) -> Bool {
      (0...16).contains { step in
        let part = Double(step) / 16
        let x = start.x + (end.x - start.x) * part
        let y = start.y + (end.y - start.y) * part
        return x > low.x && x < high.x && y > low.y && y < high.y
      }
    }

    func overlaps(_ other: Box) -> Bool {
      low.x < other.high.x && other.low.x < high.x && low.y < other.high.y && other.low.y < high.y
    }
  }
}
