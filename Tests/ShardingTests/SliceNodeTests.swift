import Sharding
import Testing

@Suite("Slice tree")
struct SliceNodeTests {
  @Test("A cover holds each owned slice once and no other, for every set of slices", arguments: [1, 2, 3, 5, 6, 8])
  func coverIsExact(slices: Int) {
    for subset in 1..<(1 << slices) {
      let owned = (0..<slices).filter { subset >> $0 & 1 == 1 }
      let covered = SliceNode.cover(of: owned, among: slices).flatMap { Array($0.slices(of: slices)) }
      #expect(covered == owned)
    }
  }

  @Test("A cover has no node beside its sibling: it is the smallest", arguments: [2, 3, 5, 6, 8, 13])
  func coverIsSmallest(slices: Int) {
    for subset in 1..<(1 << slices) {
      let owned = (0..<slices).filter { subset >> $0 & 1 == 1 }
      let cover = SliceNode.cover(of: owned, among: slices)
      let root = SliceNode.root(of: slices)
      #expect(cover.allSatisfy { $0 == root || !cover.contains($0.sibling) })
    }
  }

  @Test("The root stands for all slices and nothing below it does", arguments: 1...70)
  func root(slices: Int) {
    let root = SliceNode.root(of: slices)
    #expect(root.slices(of: slices) == 0..<slices)
    #expect(SliceNode.cover(of: Array(0..<slices), among: slices) == [root])
    if root.level > 0 {
      #expect(SliceNode(level: Int(root.level) - 1, index: 0).slices(of: slices).count < slices)
    }
  }

  @Test("A node's slices are its children's, left before right", arguments: [3, 8, 11])
  func children(slices: Int) {
    for level in 1...Int(SliceNode.root(of: slices).level) {
      for index in 0..<(1 << (Int(SliceNode.root(of: slices).level) - level)) {
        let node = SliceNode(level: level, index: index)
        let left = SliceNode(level: level - 1, index: 2 * index)
        let right = SliceNode(level: level - 1, index: 2 * index + 1)
        #expect(left.parent == node && right.parent == node && left.sibling == right)
        #expect(left.isLeft && !right.isLeft)
        #expect(Array(node.slices(of: slices)) == Array(left.slices(of: slices)) + Array(right.slices(of: slices)))
      }
    }
  }
}
