using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Sidecars.Unit.Tests.Architecture;

/// <summary>
/// Which namespace uses which, from compiled assemblies: base types, interfaces, fields, signatures, attributes and the instructions of
/// every method. Constants are inlined and names in comments are no use: neither is seen.
/// </summary>
internal sealed class NamespaceArrows
{
    private static readonly OpCode?[] OneByte = new OpCode?[256];
    private static readonly OpCode?[] TwoBytes = new OpCode?[256];
    private readonly SortedDictionary<string, SortedDictionary<string, SortedSet<string>>> _arrows = new(StringComparer.Ordinal);

    static NamespaceArrows()
    {
        foreach (var field in typeof(OpCodes).GetFields())
        {
            if (field.GetValue(null) is not OpCode code) continue;
            (code.Size == 1 ? OneByte : TwoBytes)[code.Value & 0xff] = code;
        }
    }

    /// <summary>User → used → the types of the user that do.</summary>
    public IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> All => _arrows;

    /// <summary>Reads assemblies that lie beside the tests.</summary>
    public static NamespaceArrows Of(IEnumerable<string> assemblies)
    {
        var arrows = new NamespaceArrows();
        foreach (var name in assemblies) arrows.Read(Path.Combine(AppContext.BaseDirectory, name + ".dll"));
        return arrows;
    }

    private void Read(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        foreach (var handle in metadata.TypeDefinitions)
        {
            var type = metadata.GetTypeDefinition(handle);
            var (space, name) = Outermost(metadata, handle);
            if (!space.StartsWith("Sidecars.", StringComparison.Ordinal)) continue;
            var uses = new Uses(metadata);
            uses.Add(type.BaseType);
            foreach (var @interface in type.GetInterfaceImplementations())
                uses.Add(metadata.GetInterfaceImplementation(@interface).Interface);
            foreach (var field in type.GetFields()) _ = metadata.GetFieldDefinition(field).DecodeSignature(uses, null);
            foreach (var attribute in type.GetCustomAttributes()) uses.Add(metadata.GetCustomAttribute(attribute).Constructor);
            foreach (var method in type.GetMethods()) Read(file, metadata.GetMethodDefinition(method), uses);
            foreach (var used in uses.Namespaces.Where(used => used != space && used.StartsWith("Sidecars.", StringComparison.Ordinal)))
                Add(space, used, name);
        }
    }

    private static void Read(PEReader file, MethodDefinition method, Uses uses)
    {
        _ = method.DecodeSignature(uses, null);
        if (method.RelativeVirtualAddress == 0) return;
        var body = file.GetMethodBody(method.RelativeVirtualAddress);
        uses.AddLocals(body.LocalSignature);
        foreach (var region in body.ExceptionRegions) uses.Add(region.CatchType);
        var code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            var first = code.ReadByte();
            var instruction = (first == 0xfe ? TwoBytes[code.ReadByte()] : OneByte[first])!.Value;
            switch (instruction.OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    uses.Add(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    var targets = code.ReadInt32();
                    code.Offset += targets * 4;
                    break;
                default:
                    code.Offset += SizeOf(instruction.OperandType);
                    break;
            }
        }
    }

    private static int SizeOf(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private static (string Namespace, string Name) Outermost(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        while (type.GetDeclaringType() is { IsNil: false } outer) type = metadata.GetTypeDefinition(outer);
        return (metadata.GetString(type.Namespace), metadata.GetString(type.Name));
    }

    private void Add(string from, string to, string type)
    {
        if (!_arrows.TryGetValue(from, out var used)) _arrows[from] = used = new(StringComparer.Ordinal);
        if (!used.TryGetValue(to, out var types)) used[to] = types = new(StringComparer.Ordinal);
        types.Add(type);
    }

    /// <summary>
    /// Collects the namespaces of what it is shown; a type in a signature stands for nothing else, hence the empty values.
    /// </summary>
    private sealed class Uses(MetadataReader metadata) : ISignatureTypeProvider<ValueTuple, object?>
    {
        public HashSet<string> Namespaces { get; } = [];

        public void AddLocals(StandaloneSignatureHandle handle)
        {
            if (!handle.IsNil) _ = metadata.GetStandaloneSignature(handle).DecodeLocalSignature(this, null);
        }

        public void Add(EntityHandle handle)
        {
            if (handle.IsNil) return;
            switch (handle.Kind)
            {
                case HandleKind.TypeDefinition: _ = GetTypeFromDefinition(metadata, (TypeDefinitionHandle)handle, 0); break;
                case HandleKind.TypeReference: _ = GetTypeFromReference(metadata, (TypeReferenceHandle)handle, 0); break;
                case HandleKind.TypeSpecification: _ = GetTypeFromSpecification(metadata, null, (TypeSpecificationHandle)handle, 0); break;
                case HandleKind.MethodDefinition:
                    Add(metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                    break;
                case HandleKind.FieldDefinition: Add(metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType()); break;
                case HandleKind.MemberReference: Add(metadata.GetMemberReference((MemberReferenceHandle)handle).Parent); break;
                case HandleKind.MethodSpecification:
                    var method = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                    _ = method.DecodeSignature(this, null);
                    Add(method.Method);
                    break;
            }
        }

        public ValueTuple GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            Namespaces.Add(Outermost(reader, handle).Namespace);
            return default;
        }

        public ValueTuple GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
        {
            var type = reader.GetTypeReference(handle);
            while (type.ResolutionScope is { Kind: HandleKind.TypeReference } outer)
                type = reader.GetTypeReference((TypeReferenceHandle)outer);
            Namespaces.Add(reader.GetString(type.Namespace));
            return default;
        }

        public ValueTuple GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public ValueTuple GetArrayType(ValueTuple elementType, ArrayShape shape) => default;

        public ValueTuple GetByReferenceType(ValueTuple elementType) => default;

        public ValueTuple GetFunctionPointerType(MethodSignature<ValueTuple> signature) => default;

        public ValueTuple GetGenericInstantiation(ValueTuple genericType, ImmutableArray<ValueTuple> typeArguments) => default;

        public ValueTuple GetGenericMethodParameter(object? genericContext, int index) => default;

        public ValueTuple GetGenericTypeParameter(object? genericContext, int index) => default;

        public ValueTuple GetModifiedType(ValueTuple modifier, ValueTuple unmodifiedType, bool isRequired) => default;

        public ValueTuple GetPinnedType(ValueTuple elementType) => default;

        public ValueTuple GetPointerType(ValueTuple elementType) => default;

        public ValueTuple GetPrimitiveType(PrimitiveTypeCode typeCode) => default;

        public ValueTuple GetSZArrayType(ValueTuple elementType) => default;
    }
}
