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
    ]
)
