namespace Sidecars.TestKit; internal static class Placeholder;
