// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "b2auth",
    platforms: [.macOS(.v12), .iOS(.v15), .tvOS(.v15), .watchOS(.v8)],
    products: [.library(name: "B2Auth", targets: ["B2Auth"])],
    targets: [
        // Not named as the module of the installed header, so that both can be there.
        .systemLibrary(name: "CB2AuthBridge", pkgConfig: "b2auth"),
        .target(name: "B2Auth", dependencies: ["CB2AuthBridge"]),
        .executableTarget(name: "list-buckets", dependencies: ["B2Auth"], path: "Examples/list-buckets"),
        .target(name: "B2AuthTestSupport", dependencies: ["B2Auth"], path: "Tests/Support"),
        .systemLibrary(name: "CMemory", path: "Tests/CMemory"),
        .executableTarget(name: "exit-in-call", dependencies: ["B2Auth"], path: "Tests/exit-in-call"),
        .testTarget(name: "B2AuthTests", dependencies: ["B2Auth", "B2AuthTestSupport"]),
        // In a process of its own, where threads can be counted.
        .testTarget(name: "B2AuthXCTests", dependencies: ["B2Auth", "B2AuthTestSupport", "CMemory", "exit-in-call"]),
    ]
)
