import Foundation
import Plotting
import Testing

@testable import Episodes

@Suite struct EpisodeChartTests {
  private func chart(_ values: [Double], _ scale: Scale.Kind = .linear) -> EpisodeChart {
    EpisodeChart(
      title: "gain",
      lines: [
        EpisodeChart.Line(
          "average", values.enumerated().map { (Double($0.offset + 1), $0.element) })
      ], scale: scale)
  }

  /// The texts at the left axis, and the x of their right ends.
  private func labels(_ html: String) -> [(x: Double, text: String)] {
    html.components(separatedBy: "<text ").dropFirst().compactMap { part in
      guard part.contains("text-anchor=\"end\""), let x = part.firstMatch(of: /x="([0-9.]+)"/),
        let text = part.firstMatch(of: />([^<]*)</)
      else { return nil }
      return (Double(x.1) ?? 0, String(text.1))
    }
  }

  @Test(arguments: [
    [-0.00021, -0.00018, -0.00002], [1, 2], [0.8725, 0.875], [1e-12, 3e-12], [-123456.5, 3],
    [-1.25e-07, -1e-09],
  ])
  func labelsOfAnyLengthHaveRoom(values: [Double]) {
    let labels = labels(chart(values).html)
    #expect(labels.count >= 2)
    for label in labels {
      // As wide as digits of the largest size are in DejaVu Sans, a wide font.
      #expect(label.x >= Double(label.text.count) * 17 * 0.636, "\(label)")
    }
  }

  @Test func theAxisEndsWithTheLastEpisode() {
    for count in [1, 2, 3, 7, 40, 251, 999, 1000, 2000] {
      let frame = ChartFrame(
        first: 1, last: Double(count), xTitle: "episode", yTexts: [(0, "0"), (1, "1")])
      #expect(frame.ticks.first == 1)
      #expect(frame.ticks.last == Double(count))
      #expect(frame.ticks.count <= 11)
      #expect(frame.ticks == frame.ticks.sorted())
      let places = frame.ticks.map(frame.x)
      for (left, right) in zip(places, places.dropFirst()) {
        #expect(right - left > 24, "\(count)")
      }
    }
  }

  @Test func losesAreLogarithmicWhereOneFlattensTheOthers() {
    #expect(chart([2.2, 0.3, 0.01, 0.001], .automatic).html.contains("(logarithmic)"))
    #expect(!chart([2.2, 0.3], .automatic).html.contains("(logarithmic)"))
    #expect(!chart([2.2, 0], .automatic).html.contains("(logarithmic)"))
    #expect(!chart([2.2, 0.001], .linear).html.contains("(logarithmic)"))
  }

  @Test func valuesAreThereForTheScript() throws {
    let html = chart([0.25, 0.5]).html
    #expect(html.contains("&quot;x&quot;:[1,2]"), "\(html)")
    #expect(html.contains("[&quot;average&quot;,[0.25,0.5]]"))
  }
}
